"""The study: experiments E1 to E8 over a campaign, their bands and kill-switches, and the report."""
