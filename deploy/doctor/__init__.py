"""`tamaru doctor`: what is wrong and what to do, in plain words, also while things are down."""
