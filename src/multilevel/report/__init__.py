"""What a fit looks like: summaries as text, HTML, LaTeX and Markdown; tidy tables."""
