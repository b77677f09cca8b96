"""What the acceptance tests stand on: processes, a strict HTTP client, scripted origins, peers."""
