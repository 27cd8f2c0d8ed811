"""The models of the course, from PCA to the class-conditional VAE, and what measures them."""
