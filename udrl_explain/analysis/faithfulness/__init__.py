"""Does an attribution describe what the policy does?"""
