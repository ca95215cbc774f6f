"""What the gateway answers, one module a subject. Each makes its router from the parts it is handed."""
