"""Programs that azd runs before and after a deployment. Standard library only: nothing is installed yet."""
