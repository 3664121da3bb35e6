"""Triangle meshes: reading, normals, rays, distances; nothing here knows of templates."""
