"""Import other tools' data and expectations: DVC repositories, folders and buckets, Great Expectations, pandera."""
