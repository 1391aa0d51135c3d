"""The program's versions: published, in force, tried out on past purchases."""
