"""Where events are written: files of a folder, or standard output."""
