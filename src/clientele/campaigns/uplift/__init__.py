"""For whom a campaign works: learn the uplift of a contact, and judge the ranking it gives."""
