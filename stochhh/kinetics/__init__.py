"""Ion channels as data: rate laws, schemes, their library, and tables for kernels."""
