"""Reading hostile files in a process that may die: `client` is the application's side, `helper` the process."""
