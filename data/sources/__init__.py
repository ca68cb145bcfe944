"""Where rows come from: cards, hubs, files, and their ingestion into the store."""
