"""What every service's web process shares: who calls, problems, one transaction a call."""
