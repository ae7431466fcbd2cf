"""Campaigns: whom to contact, who is held out, what was sent, and what came of it."""
