"""What happens between the steps of a run, one file each."""
