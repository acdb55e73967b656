"""The page of a study, made of ``study.csv`` alone: its table, findings, pictures and what is missing."""
