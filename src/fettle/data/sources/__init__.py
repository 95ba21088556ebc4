"""Where rows come from that are no file here: databases, the web, buckets, and what a program holds in memory."""
