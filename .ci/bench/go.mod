// The program of `make bench`. A module of its own: it knows the product by its command line and its doors alone.
module dockbell/ci/bench

go 1.26.0
