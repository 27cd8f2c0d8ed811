"""What is shown in a notebook: figures, widgets, curves during training, results. No mathematics imports it."""
