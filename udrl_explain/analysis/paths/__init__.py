"""Which tests of which trees led to a decision, how far is it from another, and where do commands part?"""
