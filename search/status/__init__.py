"""How the installation is, in one look: what needs somebody, how things stand, how they went. Mends nothing."""
