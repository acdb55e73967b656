"""Does the agent do what it is told?"""
