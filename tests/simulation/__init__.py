"""A whole job in one process: our own operators, and small models of what Flink, Kafka and the store do around them.

All that happens in a world follows from its seed: the market, the order in which tasks run, and every fault.
"""
