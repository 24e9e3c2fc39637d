"""Events that go: pruned by age, erased for a person, compacted into Parquet."""
