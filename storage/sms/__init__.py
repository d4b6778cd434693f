"""SMS: what is sent to mobile phones, what it costs, and the queue to the gateway."""
