"""Images from any source, prepared once and streamed in a reproducible order."""
