"""Stand-ins to try and to test drainbot on one machine. Nothing of the product imports them."""
