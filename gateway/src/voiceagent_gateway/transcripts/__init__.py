"""What is said in calls: fetched from the pods that hold it, kept where the manifest asks, read and erased."""
