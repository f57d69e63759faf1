"""Networks that propose annotations. Torch only: knows no database, no Ray, no Django."""
