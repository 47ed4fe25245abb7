"""What the geodesic races share: a clock, a ruler, decoders, and the other packages."""
