"""What is computed: thin Faust agents over pure cores."""
