"""Which inputs matter, in one policy and over seeds?"""
