"""Reports for other programs: JUnit XML, SARIF, Markdown and GitHub's annotations, each made of the JSON report."""
