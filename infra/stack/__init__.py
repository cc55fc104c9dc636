"""The servers that Tengerim needs, run on loopback from one folder of the user's, without a container engine."""
