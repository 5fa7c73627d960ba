"""Archives: thousands of recordings scored by many processes, on one machine or a cluster, with Ray Data."""
