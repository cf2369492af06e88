"""Query sets, judging, runs, their comparison, and learning the weight from them."""
