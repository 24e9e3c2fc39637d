"""What goes, whichever store has it: by age, or because somebody asks to be forgotten."""
