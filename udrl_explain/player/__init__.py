"""One file in which a reader commands the agent and sees why it acts; evaluated in the browser, bit for bit."""
