"""What azd runs around a deployment. Standard library only: it must run before anything is installed."""
