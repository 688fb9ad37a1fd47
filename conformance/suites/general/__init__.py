"""Cases every matter has: repeated submissions, strangers, requests out of form, departments that fail."""
