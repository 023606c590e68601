// The program of `make torture`. A module of its own: it knows the product by its command line and its doors alone.
module dockbell/ci/torture

go 1.26.0
