"""One folder a question: what it asks a store, what it computes, and how that is shown."""
