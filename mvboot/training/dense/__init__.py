"""Dense fields as a task: settings, batches, objective and what watches over them."""
