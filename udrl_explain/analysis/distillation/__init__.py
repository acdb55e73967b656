"""Does a small tree do the same? Trees that imitate a policy, and what they give up."""
