"""The scheduler: when. It fires cron ticks and items that other services registered, once each."""
