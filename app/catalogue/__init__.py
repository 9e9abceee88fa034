"""What is sold: products and services with price levels, and journals."""
