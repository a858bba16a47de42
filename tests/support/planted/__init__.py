"""Answer sentences made from documents of the evaluation sets: correct ones, and the same with one planted error."""
