"""From one source per notebook to the executed solution and the student's copy."""
