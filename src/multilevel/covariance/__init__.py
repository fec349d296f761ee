"""theta and the relative covariance factor of a term."""
